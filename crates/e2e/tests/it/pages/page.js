const host = location.hostname;

const base64url = bytes => btoa(String.fromCharCode(...new Uint8Array(bytes)))
  .replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');

async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    return `${error.name}: ${error.message}`;
  }
}

async function ready() {
  await navigator.serviceWorker.register('/worker.js');
  return await navigator.serviceWorker.ready;
}

async function makePasskey(rpId = host) {
  const credential = await navigator.credentials.create({publicKey: {
    rp: {id: rpId, name: 'Test'},
    user: {id: new Uint8Array(16), name: 'ada', displayName: 'Ada'},
    challenge: new Uint8Array(32),
    pubKeyCredParams: [{type: 'public-key', alg: -7}],
    authenticatorSelection: {residentKey: 'required', userVerification: 'required'},
  }});
  return base64url(credential.rawId);
}

async function usePasskey() {
  const credential = await navigator.credentials.get({publicKey: {
    rpId: host, challenge: new Uint8Array(32), userVerification: 'required',
  }});
  const flags = new Uint8Array(credential.response.authenticatorData)[32];
  return {id: base64url(credential.rawId), verified: (flags & 4) !== 0};
}

async function subscribe(applicationServerKey) {
  const registration = await ready();
  const subscription = await registration.pushManager.subscribe({userVisibleOnly: true, applicationServerKey});
  return subscription.toJSON();
}

async function facts() {
  const pair = await crypto.subtle.generateKey({name: 'ECDSA', namedCurve: 'P-256'}, false, ['sign', 'verify']);
  const signature = await crypto.subtle.sign({name: 'ECDSA', hash: 'SHA-256'}, pair.privateKey, new Uint8Array(3));
  return {
    secure: window.isSecureContext,
    cookies: await (await fetch('/cookies')).text(),
    webCrypto: signature.byteLength,
    worker: await attempt(async () => (await ready()).active !== null),
    permission: Notification.permission,
    passkey: await attempt(async () => (await makePasskey()).length > 0),
    assertion: await attempt(async () => (await usePasskey()).verified),
    parentPasskey: host === 'localhost' ? 'refused'
      : (await attempt(() => makePasskey('localhost'))).startsWith('SecurityError') ? 'refused' : 'taken',
    locks: 'locks' in navigator,
    trustedTypes: 'trustedTypes' in window,
  };
}

for (const [id, path] of [['other', '/shown'], ['post', '/shown']]) {
  const element = document.getElementById(id);
  const target = `http://${host === 'nod.localhost' ? 'site' : 'nod'}.localhost:${location.port}${path}`;
  if (element.tagName === 'A') element.href = target; else element.form.action = target;
}

document.getElementById('greet').addEventListener('click', event => {
  const name = document.getElementById('name').value;
  document.getElementById('greeting').textContent = `Hello ${name}, ${event.isTrusted ? 'trusted' : 'scripted'}`;
});

navigator.serviceWorker.addEventListener('message', event => {
  document.getElementById('clicked').textContent = event.data;
});
