// Keeps the live page of a sale up to date.

import { bar, duration, element, number, paymentsNote, poll, say, trouble } from "./polling.js";
import { makeCharts } from "./charts.js";

const page = document.getElementById("live");
const SECONDS = 300;
const STATES = ["sold", "held", "in_flight", "available"]; // as in the bar

let seconds = [];
let version = page.dataset.version;
const charts = makeCharts();

function show(reading) {
  trouble("redis-trouble", reading.redis ? `${reading.redis} Trying again …` : "");
  const late = Object.entries(reading.late ?? {}).map(([duty, seconds]) => `${duty} ${duration(seconds)}`);
  trouble("late", late.length ? `What is due waits: ${late.join(", ")}. The workers do not keep up.` : "");
  showRules(reading.sale);
  showFigures(reading);
  document.getElementById("skus").replaceChildren(...reading.skus.map(skuLine));
  remember(reading);
  charts.draw(seconds);
}

// A new reading replaces the old one; the switches still fit the rules the page was made with.
function showRules(sale) {
  const state = document.getElementById("state");
  state.className = `state ${sale.state}`;
  say("state", sale.state);
  document.getElementById("changed").hidden = String(sale.version) === version && sale.state === page.dataset.state;
}

function showFigures(reading) {
  const totals = reading.totals;
  const refused = totals ? Object.values(totals.refused).reduce((all, count) => all + count, 0) : null;
  say("figure-accepted", number(totals?.accepted));
  say("note-accepted", totals?.replayed ? `and ${number(totals.replayed)} repeated requests` : "");
  say("figure-persisted", number(totals?.persisted));
  say("figure-refused", number(refused));
  say("note-refused", totals ? reasons(totals.refused) : "");
  say("figure-backlog", number(reading.backlog?.orders));
  say("note-backlog", reading.backlog?.orders ? `the oldest waits ${duration(reading.backlog.oldest_seconds)}` : "");
  say("figure-payments", number(reading.payments.count));
  say("note-payments", paymentsNote(reading.payments));
  document.getElementById("figure-payments").parentElement.classList.toggle("bad", reading.payments.oldest_seconds > 30);
  say("figure-drift", reading.drift ? number(reading.drift.units) : "–");
  say("note-drift", reading.drift ? `compared ${duration(reading.drift.age_seconds)} ago` : "not compared yet");
  document.getElementById("figure-drift").parentElement.classList.toggle("bad", Boolean(reading.drift?.units));
}

function reasons(refused) {
  const most = Object.entries(refused).sort((one, other) => other[1] - one[1]);
  return most.slice(0, 2).map(([reason, count]) => `${number(count)} ${reason}`).join(", ");
}

function skuLine(sku) {
  const name = element("span", {}, element("strong", {}, sku.sku), sku.name === sku.sku ? "" : ` ${sku.name}`);
  const left = sku.available === null ? "available: not known" : `${number(sku.available)} left of ${number(sku.allocated)}`;
  const units = STATES.map((state) =>
    element("span", {}, element("span", { class: `key ${state}` }), `${state.replace("_", " ")} ${number(sku[state])}`),
  );
  return element(
    "div",
    { class: "sku" },
    element("div", { class: "row apart" }, name, element("span", {}, left)),
    bar(sku),
    element("div", { class: "units quiet" }, ...units),
  );
}

function remember(reading) {
  const oldest = reading.at - SECONDS;
  seconds = [...seconds, ...reading.seconds].filter((second) => second[0] > oldest);
}

function feed() {
  const last = seconds.at(-1);
  return last ? `${page.dataset.feed}?after=${last[0]}` : page.dataset.feed;
}

poll(feed, 1000, show, (text) => trouble("trouble", text));
