import { useState } from "preact/hooks";
import { storeKey } from "../api/key.ts";
import { useKey } from "./use-key.ts";

const THEME = "facet-theme";

const PAGES = [
  { path: "/", label: "Price" },
  { path: "/batch", label: "Many stones" },
  { path: "/models", label: "Models" },
  { path: "/service", label: "Service" },
] as const;

/** The links to the pages, the key of the tab, and the choice of light or dark. */
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
      <ForgetKeyButton />
      <ThemeButton />
    </header>
  );
}

function ForgetKeyButton() {
  if (useKey() === null) return null;
  return (
    <button type="button" class="quiet" onClick={() => storeKey(null)}>
      Forget key
    </button>
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
