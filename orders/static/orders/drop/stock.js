/** The live stock of a sale: GET /api/v1/sales/<slug>, which is public. */

import { request } from "./api.js";
import { until } from "./clock.js";

/**
 * Call `show(sale)` with each reading of a sale until it is closed, and `fail(error)` whenever
 * there is none.
 */
export async function watch(slug, show, fail) {
  for (let sale = {}; sale.state !== "closed"; await rest(pause(sale))) {
    try {
      sale = await request(`/api/v1/sales/${slug}`, {}, fail);
      show(sale);
    } catch (error) {
      fail(error);
    }
  }
}

/** Say how many units of a SKU are left. */
export function left({ available, held }) {
  if (available > 0) return `${available.toLocaleString("en")} left`;
  return held > 0 ? `Sold out — ${held.toLocaleString("en")} held, may come back` : "Sold out";
}

/** Spread out, so that all who look do not look at once; long while nobody looks. */
function pause({ state, opens_at }) {
  const usual = document.hidden ? 20_000 : state === "open" ? 2_000 : 5_000;
  const opening = state === "scheduled" ? Math.max(0, until(opens_at)) : Infinity;
  return Math.min(usual * (0.75 + Math.random() / 2), opening + Math.random() * 500);
}

/** Wait, but not longer than until the page is shown again. */
function rest(ms) {
  const signal = AbortSignal.timeout(ms);
  return new Promise((resolve) => {
    document.addEventListener("visibilitychange", resolve, { once: true, signal });
    signal.addEventListener("abort", resolve);
  });
}
