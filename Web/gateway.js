// The gateway's WebSocket protocol, client side: handshake, requests, events, reconnecting.

import { signConnect } from "./device.js";
import { uuid } from "./dom.js";

const minProtocol = 3;
const maxProtocol = 4;
const role = "operator";
const scopes = ["operator.admin", "operator.read", "operator.write", "operator.approvals", "operator.pairing"];
const client = { id: "jarvis-control-ui", version: "1", platform: "web", mode: "webchat", displayName: "Control page" };

const firstDelay = 1000;
const longestDelay = 30_000;
const handshakeTimeout = 15_000;
const requestTimeout = 30_000;

/** An answer with `ok: false`. */
export class GatewayError extends Error {
  constructor(error) {
    super(error?.message || "The gateway refused the request.");
    this.code = error?.code ?? "UNAVAILABLE";
    this.detail = error?.details?.code ?? "";
    this.details = error?.details ?? {};
    this.retryable = error?.retryable === true;
    this.retryAfterMs = error?.retryAfterMs ?? 0;
  }
}

/** The connection went away before the answer came; whether the request was carried out is unknown. */
export class ConnectionLost extends Error {
  constructor() {
    super("The connection to the gateway was lost.");
  }
}

/**
 * One connection that keeps itself alive. `state` is one of
 * `connecting`, `ready`, `waiting` (retries at `retryAt`), `refused` (credentials; see `refusal`), `foreign` (another
 * gateway answers at this address) and `unsupported` (no common protocol version).
 *
 * `options`: `fetchBootstrap()` → the bootstrap record, `instanceId`, `credentials()` → list of auth members to try in
 * order, `device()` → device or null, `accepted(auth, hello)`, `onState()`, `onEvent(name, payload)`, `onGap()`.
 */
export class Gateway {
  constructor(options) {
    this.options = options;
    this.state = "connecting";
    this.restarting = false;
    this.hello = null;
    this.refusal = null;
    this.retryAt = 0;
    this.reason = "";
    this.socket = null;
    this.pending = new Map();
    this.attempts = 0;
    this.nextId = 1;
    this.attempt = 0;
  }

  /** Starts over at once: drops the present socket and all waiting. */
  connect() {
    clearTimeout(this.retryTimer);
    this.attempt += 1;
    this.dropSocket();
    this.credentials = this.options.credentials();
    this.credentialIndex = 0;
    this.withoutDevice = false;
    this.setState("connecting");
    this.open(this.attempt);
  }

  /** Retries now when a retry is waiting. */
  nudge() {
    if (this.state === "waiting") this.connect();
  }

  /** After a sleep of the machine: a link that has been silent for too long is given up at once. */
  wake() {
    this.nudge();
    if (this.state === "ready" && Date.now() - this.lastFrame > this.silence) this.lost(this.socket, "The gateway went silent.");
  }

  /** Sends a request; resolves with the payload, rejects with GatewayError or ConnectionLost. */
  request(method, params = {}, { timeout = requestTimeout } = {}) {
    if (this.state !== "ready") return Promise.reject(new ConnectionLost());
    return this.transmit(method, params, timeout);
  }

  /** The largest frame that the gateway takes, in bytes. */
  get maximumPayload() {
    return this.hello?.policy?.maxPayload ?? 1_048_576;
  }

  can(scope) {
    const granted = this.hello?.auth?.scopes;
    if (!Array.isArray(granted)) return true;
    return granted.includes("operator.admin") || granted.includes(scope)
      || (scope === "operator.read" && granted.includes("operator.write"));
  }

  // ---- opening

  async open(attempt) {
    const { options } = this;
    let bootstrap;
    try {
      bootstrap = await options.fetchBootstrap();
    } catch {
      if (attempt === this.attempt) this.later("The gateway does not answer.");
      return;
    }
    if (attempt !== this.attempt) return;
    // Before any credential leaves this page: is it still the same gateway at this address?
    if (bootstrap.instanceId !== options.instanceId) {
      this.foreign(bootstrap.instanceId, bootstrap.profile);
      return;
    }
    const device = this.withoutDevice ? null : await options.device();
    if (attempt !== this.attempt) return;

    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/`);
    this.socket = socket;
    this.settled = false;
    this.handshakeTimer = setTimeout(() => this.lost(socket, "The gateway did not greet in time."), handshakeTimeout);
    socket.onmessage = (message) => this.received(socket, message.data, device);
    socket.onclose = (event) => this.closed(socket, event);
  }

  received(socket, data, device) {
    if (socket !== this.socket) return;
    this.lastFrame = Date.now();
    let frame;
    try {
      frame = JSON.parse(data);
    } catch {
      this.lost(socket, "The gateway sent something unreadable.");
      return;
    }
    if (frame.type === "res") this.answered(frame);
    else if (frame.type === "event" && frame.event === "connect.challenge" && !this.settled) {
      this.greet(socket, frame.payload ?? {}, device);
    } else if (frame.type === "event" && this.state === "ready") this.happened(frame);
  }

  async greet(socket, challenge, device) {
    const auth = this.credentials[this.credentialIndex] ?? {};
    const signedAt = Number.isInteger(challenge.ts) ? challenge.ts : Date.now();
    const params = {
      minProtocol, maxProtocol, client, role, scopes, caps: ["tool-events"],
      locale: navigator.language, userAgent: navigator.userAgent,
    };
    if (Object.keys(auth).length > 0) params.auth = auth;
    try {
      if (device) {
        const token = auth.token ?? auth.deviceToken ?? "";
        params.device = await signConnect(device, { client, role, scopes, token, nonce: challenge.nonce, signedAt });
      }
      if (socket !== this.socket) return;
      const hello = await this.transmit("connect", params, handshakeTimeout);
      if (socket !== this.socket) return;
      this.welcomed(auth, hello);
    } catch (error) {
      if (socket !== this.socket) return;
      if (error instanceof GatewayError) this.rejected(error);
      else this.lost(socket, "The connection broke during the greeting.");
    }
  }

  welcomed(auth, hello) {
    clearTimeout(this.handshakeTimer);
    this.settled = true;
    const instanceId = hello.server?.instanceId;
    if (instanceId !== undefined && instanceId !== this.options.instanceId) {
      this.foreign(instanceId, "");
      return;
    }
    this.hello = hello;
    this.attempts = 0;
    this.restarting = false;
    this.reason = "";
    this.lastSeq = null;
    this.silence = 2 * (hello.policy?.tickIntervalMs ?? 30_000);
    clearInterval(this.watch);
    this.watch = setInterval(() => this.wake(), Math.min(5000, this.silence / 4));
    this.options.accepted(auth, hello);
    this.setState("ready");
  }

  rejected(error) {
    this.settled = true;
    const { detail } = error;
    const text = error.message.toLowerCase();
    if (detail === "PROTOCOL_MISMATCH" || error.details.expectedProtocol !== undefined) {
      this.stop("unsupported");
      return;
    }
    // A key that this gateway does not accept must not lock out somebody who holds the token.
    if (detail.startsWith("DEVICE_AUTH") && !this.withoutDevice) {
      this.withoutDevice = true;
      this.again();
      return;
    }
    const aboutCredential = detail.startsWith("AUTH_") || text.startsWith("unauthorized");
    if (aboutCredential && detail !== "AUTH_RATE_LIMITED" && this.credentialIndex + 1 < this.credentials.length) {
      this.credentialIndex += 1;
      this.again();
      return;
    }
    const final = aboutCredential || error.code === "NOT_PAIRED" || detail.includes("PAIRING")
      || detail.includes("DEVICE") || detail.includes("ORIGIN") || (error.code === "INVALID_REQUEST" && !error.retryable);
    if (final) {
      this.refusal = error;
      this.stop("refused");
    } else {
      this.later(error.message, error.retryAfterMs);
    }
  }

  again() {
    this.attempt += 1;
    this.dropSocket();
    this.open(this.attempt);
  }

  foreign(instanceId, profile) {
    this.otherInstance = { instanceId, profile };
    this.stop("foreign");
  }

  // ---- running

  transmit(method, params, timeout) {
    const id = String(this.nextId++);
    const { socket } = this;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.pending.delete(id);
        reject(new ConnectionLost());
        // Silence on a request means that the link or the peer is not well; a new connection tells which.
        this.lost(socket, "The gateway did not answer in time.");
      }, timeout);
      this.pending.set(id, { resolve, reject, timer });
      socket.send(JSON.stringify({ type: "req", id, method, params }));
    });
  }

  answered(frame) {
    const waiter = this.pending.get(frame.id);
    if (!waiter) return;
    this.pending.delete(frame.id);
    clearTimeout(waiter.timer);
    if (frame.ok) waiter.resolve(frame.payload ?? {});
    else waiter.reject(new GatewayError(frame.error));
  }

  happened({ event, payload, seq }) {
    if (Number.isInteger(seq)) {
      const gap = this.lastSeq !== null && seq > this.lastSeq + 1;
      this.lastSeq = seq;
      if (gap) this.options.onGap();
    }
    if (event === "shutdown") {
      this.restarting = Boolean(payload?.restartExpectedMs) || /restart|reload/i.test(payload?.reason ?? "");
      this.reason = this.restarting ? "The gateway is restarting." : "The gateway was stopped.";
      this.options.onState();
    }
    this.options.onEvent(event, payload ?? {});
  }

  // ---- ending

  closed(socket, event) {
    if (socket !== this.socket) return;
    let why = this.restarting || this.reason ? this.reason : "The connection was lost.";
    if (!this.settled) why = "The gateway answers, but closed the connection. Open the page at the address that the dashboard command prints.";
    if (event.code === 1012) this.restarting = true;
    this.lost(socket, why);
  }

  lost(socket, why) {
    if (socket !== this.socket || this.state === "refused" || this.state === "foreign") return;
    this.later(why);
  }

  later(why, atLeast = 0) {
    this.dropSocket();
    const ceiling = Math.min(longestDelay, firstDelay * 2 ** this.attempts);
    this.attempts = Math.min(this.attempts + 1, 10);
    // Half of the delay is random: many pages must not knock at the same instant after a restart.
    const delay = Math.max(atLeast, Math.round(ceiling * (0.5 + Math.random() / 2)));
    this.reason = why;
    this.retryAt = Date.now() + delay;
    clearTimeout(this.retryTimer);
    this.retryTimer = setTimeout(() => this.connect(), delay);
    this.setState("waiting");
  }

  stop(state) {
    this.dropSocket();
    clearTimeout(this.retryTimer);
    this.setState(state);
  }

  dropSocket() {
    clearTimeout(this.handshakeTimer);
    clearInterval(this.watch);
    const { socket } = this;
    this.socket = null;
    if (socket) {
      socket.onmessage = socket.onclose = null;
      socket.close();
    }
    const waiters = [...this.pending.values()];
    this.pending.clear();
    for (const { reject, timer } of waiters) {
      clearTimeout(timer);
      reject(new ConnectionLost());
    }
  }

  setState(state) {
    this.state = state;
    this.options.onState();
  }
}

/** A fresh idempotency key; the gateway uses it as the run id. */
export const newKey = () => uuid();
