// Shows the description of the API. Nothing is fetched from elsewhere: the validator of Swagger UI would be.
"use strict";

const place = document.getElementById("swagger");

// Swagger UI has colours for the dark, and takes them by this class.
const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

// Its usual layout has a heading and a main part of its own, which this page has already.
const WithinPage = (system) => ({
  components: {
    WithinPage: ({ getComponent }) => {
      const show = system.React.createElement;
      const part = (name, connected) => show(getComponent(name, connected));
      return show(
        "div",
        { className: "swagger-ui" },
        part("SvgAssets"),
        part("errors", true),
        part("AuthorizeBtnContainer", true),
        part("operations", true),
      );
    },
  },
});

SwaggerUIBundle({
  url: place.dataset.url,
  domNode: place,
  plugins: [WithinPage],
  layout: "WithinPage",
  docExpansion: "list",
  syntaxHighlight: false,
  validatorUrl: null,
});
