// This browser's identity towards one gateway: an Ed25519 key that script cannot read out, kept per instance id.

const database = "jarvis";
const store = "devices";

const hex = (bytes) => [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

function base64url(bytes) {
  let text = "";
  for (const byte of new Uint8Array(bytes)) text += String.fromCharCode(byte);
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

function open() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(database, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(store);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error("the browser's storage is blocked"));
  });
}

function run(db, mode, action) {
  return new Promise((resolve, reject) => {
    const transaction = db.transaction(store, mode);
    const request = action(transaction.objectStore(store));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onabort = transaction.onerror = () => reject(transaction.error);
  });
}

/**
 * The device of this browser for `instanceId`, made on first use. Null where the browser has no Ed25519 or no storage
 * (an insecure origin, an old browser, a private window): the shared token alone must do then.
 */
export async function loadDevice(instanceId) {
  if (!globalThis.crypto?.subtle || !globalThis.indexedDB) return null;
  try {
    const db = await open();
    let pair = await run(db, "readonly", (objects) => objects.get(instanceId));
    if (!pair) {
      pair = await crypto.subtle.generateKey({ name: "Ed25519" }, false, ["sign", "verify"]);
      await run(db, "readwrite", (objects) => objects.put(pair, instanceId));
    }
    db.close();
    const raw = await crypto.subtle.exportKey("raw", pair.publicKey);
    return {
      id: hex(await crypto.subtle.digest("SHA-256", raw)),
      publicKey: base64url(raw),
      privateKey: pair.privateKey,
    };
  } catch {
    return null;
  }
}

/** The `device` member of a connect request: a signature over the version 3 payload. */
export async function signConnect(device, { client, role, scopes, token, nonce, signedAt }) {
  const normal = (value) => (value ?? "").trim().replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  const payload = [
    "v3", device.id, client.id, client.mode, role, scopes.join(","), String(signedAt), token, nonce,
    normal(client.platform), normal(client.deviceFamily),
  ].join("|");
  const signature = await crypto.subtle.sign({ name: "Ed25519" }, device.privateKey, new TextEncoder().encode(payload));
  return { id: device.id, publicKey: device.publicKey, signature: base64url(signature), signedAt, nonce };
}
