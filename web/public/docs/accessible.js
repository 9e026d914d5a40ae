/** A plugin of Swagger UI that corrects its page for people who use a keyboard or a screen reader. */
window.AccessiblePlugin = ({ React }) => {
  const { createElement: h } = React;
  return {
    wrapComponents: {
      // A link inside a button cannot be reached. The button itself puts the link into the address of the page.
      DeepLink: () => (props) => h("span", null, props.text),
      InfoContainer: (Info) => (props) => h("section", { "aria-label": "About this API" }, h(Info, props)),
      // A list without a label, and with one server.
      ServersContainer: () => () => null,
      // The groups of operations are headings of the third level, and the page has none of the second.
      operations: (Operations) => (props) =>
        h(
          React.Fragment,
          null,
          h("h2", { className: "visually-hidden" }, "Operations"),
          h(Operations, props),
        ),
    },
  };
};
