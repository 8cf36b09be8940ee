// Keeps the dashboard up to date.

import { bar, duration, element, number, paymentsNote, poll, rate, say, trouble } from "./polling.js";

const page = document.getElementById("dashboard");

function show(reading) {
  trouble("redis-trouble", reading.redis ? `${reading.redis} What Redis alone knows is missing below; trying again …` : "");
  showFigures(reading);
  document.getElementById("sales").replaceChildren(...reading.sales.map(saleRow));
  document.getElementById("no-sales").hidden = reading.sales.length > 0;
  document.getElementById("waiting").replaceChildren(...reading.waiting.map(waitingLine));
  document.getElementById("parts").replaceChildren(...Object.entries(reading.parts).map(partLine));
  document.getElementById("progress").replaceChildren(...progressLines(reading.progress));
}

function showFigures(reading) {
  const sum = (name) => (reading.redis ? null : reading.sales.reduce((all, sale) => all + (sale[name] ?? 0), 0));
  const oldest = Math.max(0, ...reading.sales.map((sale) => sale.oldest_seconds ?? 0));
  const drifting = reading.sales.filter((sale) => sale.drift);
  const drift = reading.sales.reduce((all, sale) => all + Math.abs(sale.drift ?? 0), 0);
  const waiting = reading.waiting.reduce((all, each) => all + each.count, 0);
  const failing = Object.keys(reading.parts).filter((name) => !reading.parts[name].ok);
  figure("accepted", rate(sum("accepted_per_second")), "orders per second");
  figure("persisted", rate(sum("persisted_per_second")), "orders per second");
  figure("backlog", number(sum("backlog")), backlogNote(reading.redis, oldest));
  figure("drift", number(drift), drifting.map((sale) => sale.slug).join(", ") || "when last compared", drift > 0);
  figure("payments", number(reading.payments.count), paymentsNote(reading.payments), reading.payments.oldest_seconds > 30);
  figure("attention", number(waiting), waiting ? "see below" : "nothing waits for a person", waiting > 0);
  figure("ready", reading.ready ? "yes" : "no", reading.ready ? "all parts hold" : failing.join(", "), !reading.ready);
}

function backlogNote(trouble, oldest) {
  if (trouble) return "not known";
  return oldest ? `the oldest waits ${duration(oldest)}` : "nothing waits";
}

function figure(name, value, note, bad = false) {
  say(`figure-${name}`, value);
  say(`note-${name}`, note);
  document.getElementById(`figure-${name}`).parentElement.classList.toggle("bad", bad);
}

function saleRow(sale) {
  const numbers = [rate(sale.accepted_per_second), rate(sale.persisted_per_second), number(sale.backlog), number(sale.drift)];
  const left = Math.max(0, sale.allocated - sale.held - sale.sold);
  return element(
    "tr",
    {},
    element("td", {}, element("a", { href: sale.url }, sale.name)),
    element("td", {}, element("span", { class: `state ${sale.state}` }, sale.state)),
    element("td", {}, bar(sale, true)),
    ...[number(sale.sold), number(sale.held), number(left), ...numbers].map((text) => element("td", { class: "number" }, text)),
    element("td", { class: "number" }, element("a", { href: sale.url, class: "button" }, "Live")),
  );
}

function waitingLine(each) {
  const mark = element("span", { class: `state ${each.count ? "failing" : "none"}` }, number(each.count));
  return element("div", {}, element("a", { href: each.url }, each.what), mark);
}

function partLine([name, part]) {
  const mark = element("span", { class: `state ${part.ok ? "ok" : "failing"}` }, part.ok ? "ok" : "failing");
  return element("div", {}, element("span", { class: "part" }, mark, name), element("span", { class: "detail" }, part.ok && part.detail === "ok" ? "" : part.detail));
}

function progressLines(ages) {
  if (!ages) return [element("div", {}, element("span", { class: "bad-text" }, "Not known while Redis is away."))];
  return Object.entries(ages).map(([name, each]) =>
    element("div", {}, name, element("span", { class: each.late ? "bad-text" : "quiet" }, each.age === null ? "never" : `${duration(each.age)} ago`)),
  );
}

poll(() => page.dataset.feed, 2000, show, (text) => trouble("trouble", text));
