/**
 * Requests to the API: bounded in time, repeated where that can help, and otherwise refused with
 * the words of the problem document (RFC 9457).
 */

import { hear } from "./clock.js";

const PATIENCE_MS = 20_000; // for one answer; longer than any ?wait= asked for here
const MOST_TRIES = 9;

/** An answer other than yes; its message is for people. */
export class Refusal extends Error {
  constructor(status, problem, retryAfter) {
    const details = (problem.errors ?? []).map(({ detail }) => detail);
    super([problem.title, problem.detail, ...details].join(" · ") || `Answer ${status}`);
    Object.assign(this, { status, problem, retryAfter });
  }
}

/** Whether there is no answer yet, or none for good: the same request may get another one. */
export function isOpen(error) {
  return !(error instanceof Refusal) || [408, 429].includes(error.status) || error.status >= 500;
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Return the JSON that the API answers. Where the answer is missing or may pass, the same request
 * is sent again: it has to be safe to repeat, as an order is under its Idempotency-Key.
 *
 * `onRetry(error, ms)` hears of each failure and of the pause after it. Throws what the last try did.
 */
export async function request(path, options, onRetry = () => {}) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask(path, options);
    } catch (error) {
      if (tries === MOST_TRIES || !isOpen(error)) throw error;
      // Never before Retry-After, and spread out: who was refused together must not come together.
      const pause = 1000 * (error.retryAfter ?? 0) + Math.random() * Math.min(10_000, 500 * 2 ** tries);
      onRetry(error, pause);
      await sleep(pause);
    }
  }
}

async function ask(path, options) {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const response = await fetch(path, { cache: "no-store", signal, ...options });
  hear(response);
  if (response.ok) return response.json();
  const problem = await response.json().catch(() => ({}));
  throw new Refusal(response.status, problem, Number(response.headers.get("Retry-After")) || 0);
}
