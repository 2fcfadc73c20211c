/** What this phone keeps, in IndexedDB: one record per account, with a device key that script can use but not read. */

const DATABASE = "nod";
const ACCOUNTS = "accounts";

/**
 * @typedef {{device: string, user: {name: string, display_name: string}, server: {name: string, origin: string}, kid: string,
 *   key: CryptoKey, state: "pending"|"active"|"revoked", credential: {id: string, transports: string[]}|null,
 *   enrolment: {confirmation: string, passkey: any, expires_at: number}|null}} Account
 *   `key` is the private device key; `enrolment` is what an unfinished set-up still needs.
 */

/** @returns {Promise<IDBDatabase>} */
function open() {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(DATABASE, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(ACCOUNTS, { keyPath: "device" });
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
}

/**
 * @template T
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest<T>} work
 * @returns {Promise<T>} once the transaction is complete
 */
async function within(mode, work) {
  const database = await open();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(ACCOUNTS, mode);
      const request = work(transaction.objectStore(ACCOUNTS));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

/** @returns {Promise<Account[]>} */
export const allAccounts = () => within("readonly", (store) => store.getAll());

/** @param {Account} account */
export const saveAccount = (account) => within("readwrite", (store) => store.put(account));

/** @param {string} device */
export const forgetAccount = (device) => within("readwrite", (store) => store.delete(device));
