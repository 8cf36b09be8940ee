// Polls an endpoint while the page is visible, one request at a time.

const PATIENCE_MS = 8000;

export function poll(url, everyMs, show, complain) {
  let timer = null;
  let asking = false;

  async function ask() {
    if (asking || document.hidden) return;
    asking = true;
    try {
      const again = await once(url(), show, complain);
      if (again) timer = setTimeout(ask, everyMs);
    } finally {
      asking = false;
    }
  }

  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    ask();
  });
  ask();
}

// Returns whether to go on polling.
async function once(url, show, complain) {
  let response;
  let body;
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) });
    body = await response.json();
  } catch {
    complain("The site does not answer. What you see is old; trying again …");
    return true;
  }
  if (response.ok) {
    complain("");
    show(body);
    return true;
  }
  complain(body.detail);
  return response.status >= 500;
}

export const number = (value) => (value === null || value === undefined ? "–" : Math.round(value).toLocaleString("en"));

export function rate(value) {
  if (value === null || value === undefined) return "–";
  return value > 0 && value < 10 ? value.toFixed(1) : number(value);
}

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "never";
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}

// Text is always set as text: names come from people.
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

export function say(id, text) {
  const target = document.getElementById(id);
  if (target.textContent !== text) target.textContent = text;
}

export function trouble(id, text) {
  const target = document.getElementById(id);
  target.hidden = !text;
  say(id, text);
}

export function bar(units, thin = false) {
  const made = element("div", { class: thin ? "bar thin" : "bar", role: "img" });
  const known = ["sold", "held", "in_flight"].filter((name) => units[name]);
  made.setAttribute("aria-label", known.map((name) => `${number(units[name])} ${name.replace("_", " ")}`).join(", ") || "nothing sold yet");
  for (const name of known) {
    const part = element("i", { class: name });
    part.style.width = `${(100 * units[name]) / Math.max(1, units.allocated)}%`;
    made.append(part);
  }
  if (units.available === null) {
    const part = element("i", { class: "unknown" });
    part.style.flexGrow = 1;
    made.append(part);
  }
  return made;
}

// The note below the number of payments that are received and not applied.
export function paymentsNote(payments) {
  const age = payments.count ? `the oldest for ${duration(payments.oldest_seconds)}` : "none waits";
  return [age, ...payments.due_back.map((due) => `${due} due back`)].join(", ");
}
