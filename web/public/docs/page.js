window.SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#api",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  plugins: [window.AccessiblePlugin, window.CodeSamplesPlugin],
  tryItOutEnabled: true,
  validatorUrl: null,
});
