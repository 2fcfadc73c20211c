/** IndexedDB, one transaction for each piece of work; the connection is closed after it, so that nothing blocks a newer app. */

/**
 * @param {string} name of the database
 * @param {Record<string, string>} stores name and key path of each
 * @returns {Promise<IDBDatabase>}
 */
function open(name, stores) {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(name, 1);
    opening.onupgradeneeded = () => {
      for (const [store, keyPath] of Object.entries(stores)) {
        opening.result.createObjectStore(store, { keyPath });
      }
    };
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
}

/**
 * How to work in a database: gives what the request gave, once the transaction is complete.
 * @param {string} name
 * @param {Record<string, string>} stores
 */
export const inDatabase =
  (name, stores) =>
  /**
   * @template T
   * @param {string} store
   * @param {IDBTransactionMode} mode
   * @param {(store: IDBObjectStore) => IDBRequest<T>|undefined} work may make several requests and give the last
   * @returns {Promise<any>}
   */
  async (store, mode, work) => {
    const database = await open(name, stores);
    try {
      return await new Promise((resolve, reject) => {
        const transaction = database.transaction(store, mode);
        const request = work(transaction.objectStore(store));
        transaction.oncomplete = () => resolve(request?.result);
        transaction.onabort = () => reject(transaction.error);
      });
    } finally {
      database.close();
    }
  };
