"""The description of everything that programs call (OpenAPI 3.1), made from the routes, and a page to try it on."""
