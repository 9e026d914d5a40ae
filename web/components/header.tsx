import { useState } from "preact/hooks";
import { APP_PAGES, type AppPage } from "../../src/domain/routes.ts";
import { storeKey } from "../api/key.ts";
import { useKey } from "./use-key.ts";

const THEME = "facet-theme";

const LABELS: Readonly<Record<AppPage, string>> = {
  "/": "Price",
  "/batch": "Many stones",
  "/models": "Models",
  "/service": "Service",
};

/** The links to the pages, the key of the tab, and the choice of light or dark. */
export function Header({ current }: { current: AppPage }) {
  return (
    <header class="no-print">
      <a class="brand" href="/">
        Facet
      </a>
      <nav aria-label="Pages">
        {APP_PAGES.map((path) => (
          <a key={path} href={path} aria-current={path === current ? "page" : undefined}>
            {LABELS[path]}
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
