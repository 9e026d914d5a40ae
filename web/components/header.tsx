import { useState } from "preact/hooks";

const THEME = "facet-theme";

/** The links to the pages, and the choice of light or dark. */
export function Header() {
  return (
    <header class="no-print">
      <a class="brand" href="/">
        Facet
      </a>
      <nav aria-label="Pages">
        <a href="/" aria-current="page">
          Price
        </a>
        <a href="/docs">API docs</a>
      </nav>
      <ThemeButton />
    </header>
  );
}

function ThemeButton() {
  const [isDark, setDark] = useState(() => {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  });
  const change = () => {
    const theme = isDark ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    // start.js reads it before the next page is drawn.
    localStorage.setItem(THEME, theme);
    setDark(!isDark);
  };
  return (
    <button type="button" class="quiet" onClick={change}>
      {isDark ? "Light mode" : "Dark mode"}
    </button>
  );
}
