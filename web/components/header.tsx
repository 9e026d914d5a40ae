import { useState } from "preact/hooks";

const THEME = "facet-theme";

const PAGES = [
  { path: "/", label: "Price" },
  { path: "/batch", label: "Many stones" },
] as const;

/** The links to the pages, and the choice of light or dark. */
export function Header({ current }: { current: (typeof PAGES)[number]["path"] }) {
  return (
    <header class="no-print">
      <a class="brand" href="/">
        Facet
      </a>
      <nav aria-label="Pages">
        {PAGES.map(({ path, label }) => (
          <a key={path} href={path} aria-current={path === current ? "page" : undefined}>
            {label}
          </a>
        ))}
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
