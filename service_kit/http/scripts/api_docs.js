// Swagger UI on the OpenAPI document of this service. Its requests go where the page came from,
// with the cookie of a session; nothing is asked of another host, a validator included.

const place = document.getElementById("api-docs");

window.SwaggerUIBundle({
  domNode: place,
  url: place.dataset.document,
  deepLinking: true,
  displayRequestDuration: true,
  validatorUrl: null,
});
