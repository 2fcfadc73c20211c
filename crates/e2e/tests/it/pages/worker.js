self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', event => event.waitUntil(self.clients.claim()));

self.addEventListener('push', event => {
  const title = event.data ? event.data.text() : 'no data';
  event.waitUntil(self.registration.showNotification(title, {
    body: 'Sign-in waiting', tag: 'test', actions: [{action: 'deny', title: 'Deny'}],
  }));
});

self.addEventListener('notificationclick', event => {
  event.notification.close();
  event.waitUntil((async () => {
    for (const client of await self.clients.matchAll({includeUncontrolled: true})) {
      client.postMessage(`clicked ${event.action || 'body'}`);
    }
    if (!event.action) await self.clients.openWindow('/opened');
  })());
});
