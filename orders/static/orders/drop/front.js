/** The front page: the first of its sales, live. */

import { left, watch } from "./stock.js";

for (const card of document.querySelectorAll("[data-slug]")) {
  const [state, stock, bar] = [".state", ".stock", "progress"].map((part) => card.querySelector(part));
  const show = (sale) => {
    const sum = (field) => sale.skus.reduce((total, sku) => total + sku[field], 0);
    state.textContent = sale.state;
    state.className = `state ${sale.state}`;
    stock.textContent = left({ available: sum("available"), held: sum("held") });
    bar.value = sum("available") / (sum("allocated") || 1);
  };
  watch(card.dataset.slug, show, () => (stock.textContent = "Live stock is not available right now"));
}
