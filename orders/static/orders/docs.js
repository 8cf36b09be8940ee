"use strict";

// Everything comes from this server: no CDN, no validator.
const reference = document.getElementById("reference");

function followColorScheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
  dark.addEventListener("change", apply);
  apply();
}

// An order tried out here should not turn out to be the repetition of an earlier one.
function offerFreshKey(spec) {
  const { parameters } = spec.paths["/api/v1/orders"].post;
  const key = parameters.find(({ name }) => name === "Idempotency-Key");
  if (crypto.randomUUID) {
    key.examples.bare.value = crypto.randomUUID();
  }
}

async function show() {
  const response = await fetch(reference.dataset.document);
  if (!response.ok) {
    throw new Error(`the server answered ${response.status}`);
  }
  const spec = await response.json();
  offerFreshKey(spec);
  SwaggerUIBundle({
    spec,
    domNode: reference,
    deepLinking: true,
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    tryItOutEnabled: true,
    validatorUrl: null,
  });
}

followColorScheme();
show().catch((error) => {
  reference.querySelector("p").textContent = `The reference cannot be shown: ${error.message}.`;
});
