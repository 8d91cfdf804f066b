// Shows the description of the API. Nothing is fetched from elsewhere: the validator of Swagger UI would be.
const place = document.getElementById("swagger");
SwaggerUIBundle({
  url: place.dataset.url,
  domNode: place,
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
});
