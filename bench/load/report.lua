-- What wrk has counted, as one line of JSON: times in seconds, latencies in milliseconds. `refused`
-- are answers with a status of 400 and above; `errors` are connections that failed, and time-outs.
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "seconds": %.6f, "p50": %.3f, "p99": %.3f, "p999": %.3f, '
      .. '"refused": %d, "errors": %d}\n',
    summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency:percentile(99.9) / 1e3,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout
  ))
end
