/**
 * The drop page: shows a sale live, takes one order and follows it.
 *
 * A request is kept in localStorage before it is sent, until it is refused or the customer is done
 * with its order. So a reload and a lost answer end in the same request under the same key. Words
 * are the template's; the style sheet shows the parts that belong to a state.
 */

import { isOpen, request } from "./api.js";
import { countdown } from "./clock.js";
import { newKey, Orders } from "./order.js";
import { left, watch } from "./stock.js";

const page = document.getElementById("drop");
const form = document.getElementById("form"); // none where ordering is off
const card = document.getElementById("card");
const words = document.getElementById("words").content;
const { slug, currency, key, testPayments } = page.dataset;
const kept = `order:${slug}`;
const orders = new Orders(key, tryingAgain);
const money = new Intl.NumberFormat("en", { style: "currency", currency });
let sale, order; // as the API showed them last

const does = {
  pay: () => pay("succeeded"),
  fail: () => pay("failed").then(() => write("trouble", say("payment-failed"))),
  cancel: () => orders.cancel(order.id),
  retry: () => void run(),
  again: () => forget(),
};

function say(what) {
  return words.querySelector(`[data-for="${what}"]`)?.textContent.trim() ?? "";
}

/** Write only what differs: a live region speaks whenever it is written to. */
function write(part, text) {
  const element = page.querySelector(`[data-part="${part}"]`);
  if (element && element.textContent !== text) element.textContent = text;
}

function showSale(seen) {
  sale = seen;
  const soldOut = sale.state === "open" && sale.skus.every(({ available }) => available === 0);
  page.dataset.state = soldOut ? "sold-out" : sale.state;
  write("state", page.dataset.state.replace("-", " "));
  write("stale", "");
  for (const sku of sale.skus) {
    const row = page.querySelector(`[data-sku="${sku.sku}"]`);
    if (!row) continue; // added to the sale since the page was made
    row.classList.toggle("gone", sku.available === 0);
    row.querySelector(".price").textContent = money.format(sku.price);
    row.querySelector(".stock").textContent = left(sku);
    row.querySelector("progress").value = sku.available / (sku.allocated || 1);
  }
  tick();
}

function showOrder(status) {
  page.dataset.order = status;
  for (const element of page.querySelectorAll("[data-when]")) {
    element.hidden = !element.dataset.when.split(" ").includes(status);
  }
  write("title", say(status));
  write("text", say(`${status}-text`));
  write("trouble", "");
  write("lines", order?.lines.map(({ sku, quantity }) => `${quantity} × ${sku}`).join(", ") ?? "");
  write("total", order ? money.format(order.total) : "");
  write("id", order?.id ?? "");
  tick();
}

/** Show what changes with the time, and with what is chosen. */
function tick() {
  const { state, opens_at, closes_at, skus } = sale ?? {};
  write("opens", state === "scheduled" ? countdown(opens_at) : "");
  write("closes", state === "open" && closes_at ? countdown(closes_at) : "");
  write("hold", order?.hold_expires_at ? countdown(order.hold_expires_at) : "");
  if (!form || !sale) return;
  const chosen = skus.find(({ sku }) => sku === form.sku.value);
  const now = state === "open" && !chosen?.available ? "sold-out" : state;
  const price = money.format((chosen?.price ?? 0) * form.quantity.value);
  write("button", now === "open" ? `Order · ${price}` : say(now));
  form.querySelector("button").disabled = now !== "open";
}

/** Place the kept request unless it is placed already, and follow its order to the end. */
async function run() {
  const { id, ...kind } = JSON.parse(localStorage.getItem(kept));
  try {
    if (!id) {
      showOrder("sending");
      order = await orders.place(kind);
      localStorage.setItem(kept, JSON.stringify({ ...kind, id: order.id }));
      showOrder(order.status);
    }
    for await (order of orders.follow(id ?? order.id)) showOrder(order.status);
  } catch (error) {
    if (isOpen(error)) showOrder("unanswered");
    else forget();
    write("trouble", plain(error));
  }
}

function forget() {
  localStorage.removeItem(kept);
  order = undefined;
  showOrder("none");
}

const plain = (error) => (error.problem ? error.message : say("no-answer"));

function tryingAgain(error, ms) {
  write("trouble", `${plain(error)} ${say("again-in")} ${Math.ceil(ms / 1000)} s.`);
}

/** Stand in for the payment provider's page, where the server plays the provider. */
function pay(outcome) {
  const body = new URLSearchParams({ outcome });
  return request(`${testPayments}${order.id}`, { method: "POST", body }, tryingAgain);
}

form?.addEventListener("input", tick);
form?.addEventListener("submit", (event) => {
  event.preventDefault();
  const { sku, quantity, customer } = Object.fromEntries(new FormData(form));
  const body = { sale: slug, customer, lines: [{ sku, quantity: Number(quantity) }] };
  if (/^\S+@\S+\.\S+$/.test(customer)) body.email = customer;
  localStorage.setItem(kept, JSON.stringify({ key: newKey(), body }));
  run();
  card.focus();
});
page.addEventListener("click", async ({ target }) => {
  const act = does[target.dataset.do];
  if (!act) return;
  target.disabled = true;
  await Promise.resolve(act()).catch((error) => write("trouble", plain(error)));
  target.disabled = false;
  card.focus();
});

setInterval(tick, 250);
watch(slug, showSale, () => write("stale", say("stale")));
if (form && localStorage.getItem(kept)) run();
