/** A customer's order: placed once however often it is sent, and followed to its end. */

import { request, sleep } from "./api.js";

const SETTLED = ["confirmed", "paid", "cancelled", "expired", "rejected", "refunded"];

/** Return a key that no other request has. (crypto.randomUUID is there under https alone.) */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The orders of one API client. `onRetry` is told of each failure that is met by trying again. */
export class Orders {
  constructor(apiKey, onRetry) {
    this.headers = { Authorization: `Bearer ${apiKey}`, "Content-Type": "application/json" };
    this.onRetry = onRetry;
  }

  /** Return the order of a request: the same one, however often it is placed. */
  place({ key, body }) {
    return this.#call("", { method: "POST", body: JSON.stringify(body) }, { "Idempotency-Key": key });
  }

  /** Release the stock of an unpaid order. */
  cancel(id) {
    return this.#call(`/${id}/cancel`, { method: "POST" });
  }

  /** Yield an order as it is now and after each change of its status, until none is to come. */
  async *follow(id) {
    let order = await this.#call(`/${id}`);
    yield order;
    while (!SETTLED.includes(order.status)) {
      // Each wait is for a change after the question: it is short while one may just have been.
      const seen = await this.#call(`/${id}?wait=${order.status === "accepted" ? 1 : 10}`);
      if (seen.status === order.status) await sleep(500 * Math.random());
      else yield seen;
      order = seen;
    }
  }

  #call(path, options = {}, headers = {}) {
    const all = { ...options, headers: { ...this.headers, ...headers } };
    return request(`/api/v1/orders${path}`, all, this.onRetry);
  }
}
