/**
 * The server's clock: a countdown must not depend on the clock of whoever looks at it.
 *
 * It is told from the Date header of every answer (RFC 9110, section 6.6.1). A Date is cut to the
 * second and has travelled, so it is never ahead of the server, and the largest difference seen is
 * the best. It is measured against performance.now(), which nobody can set.
 */

let ahead = -Infinity; // milliseconds from performance.now() to the server's Unix time

/** Learn from an answer of the server. */
export function hear(response) {
  const date = Date.parse(response.headers.get("Date")) || -Infinity;
  ahead = Math.max(ahead, date - performance.now());
}

/** Return the milliseconds that are left until a time as the API writes it. */
export function until(time) {
  return Date.parse(time) - (ahead > -Infinity ? ahead + performance.now() : Date.now());
}

/** Return what is left until a time: "04:09", "01:00:00", "2 d 03:00:00". */
export function countdown(time) {
  const seconds = Math.max(0, Math.floor(until(time) / 1000));
  const days = Math.floor(seconds / 86_400);
  const clock = new Date(seconds * 1000).toISOString().slice(11, 19);
  return days ? `${days} d ${clock}` : clock.replace(/^00:/, "");
}
