/**
 * A plugin of Swagger UI that shows the examples of an operation (`x-codeSamples`), a tab for each language. The
 * language that was chosen last is the first to be shown in every operation.
 */
window.CodeSamplesPlugin = ({ React }) => {
  const { createElement: h, useRef, useState } = React;
  const storageName = "facet-docs-language";

  function readLanguage() {
    return sessionStorage.getItem(storageName);
  }

  function CopyButton({ text }) {
    const [result, setResult] = useState("");
    const copy = async () => {
      try {
        await navigator.clipboard.writeText(text);
        setResult("Copied");
      } catch {
        setResult("Select the text to copy it: the browser did not allow it");
      }
    };
    return h(
      "div",
      { className: "code-samples-copy" },
      h("button", { type: "button", onClick: copy }, "Copy"),
      h("span", { role: "status" }, result),
    );
  }

  /** Tabs as in the ARIA authoring practices: one of them can be focused, and the arrow keys choose the others. */
  function CodeSamples({ id, samples }) {
    const labels = samples.map(({ label }) => label);
    const [chosen, setChosen] = useState(() => Math.max(0, labels.indexOf(readLanguage())));
    const tabs = useRef([]);
    const panelId = `${id}-panel`;
    const choose = (index) => {
      setChosen(index);
      sessionStorage.setItem(storageName, labels[index]);
    };
    const moveWithKeys = (event) => {
      const last = samples.length - 1;
      const targets = {
        ArrowRight: chosen === last ? 0 : chosen + 1,
        ArrowLeft: chosen === 0 ? last : chosen - 1,
        Home: 0,
        End: last,
      };
      const index = targets[event.key];
      if (index === undefined) return;
      event.preventDefault();
      choose(index);
      tabs.current[index].focus();
    };
    const { label, source } = samples[chosen];
    return h(
      "section",
      { className: "code-samples", "aria-label": "Examples" },
      h(
        "div",
        { role: "tablist", "aria-label": "Language", onKeyDown: moveWithKeys },
        labels.map((name, index) =>
          h(
            "button",
            {
              key: name,
              type: "button",
              role: "tab",
              id: `${id}-${name}`,
              ref: (tab) => {
                tabs.current[index] = tab;
              },
              "aria-selected": index === chosen,
              "aria-controls": panelId,
              tabIndex: index === chosen ? 0 : -1,
              onClick: () => choose(index),
            },
            name,
          ),
        ),
      ),
      h(
        "div",
        { role: "tabpanel", id: panelId, "aria-labelledby": `${id}-${label}` },
        h("pre", { tabIndex: 0, "aria-label": `${label} example` }, h("code", null, source)),
        h(CopyButton, { key: label, text: source }),
      ),
    );
  }

  return {
    wrapComponents: {
      // The examples stand between the parameters and the responses.
      responses: (Responses, system) => (props) => {
        const { path, method } = props;
        const samples = system.specSelectors.specJson().getIn(["paths", path, method, "x-codeSamples"]);
        if (!samples) return h(Responses, props);
        const id = `samples-${method}${path.replaceAll(/\W/g, "-")}`;
        return h(React.Fragment, null, h(CodeSamples, { id, samples: samples.toJS() }), h(Responses, props));
      },
    },
  };
};
