// Runs before the page is drawn. Its name has no hash, so pages of every version find it.
(() => {
  const RELOADED = "facet-reloaded";

  // A choice of light or dark overrides the setting of the system.
  const theme = localStorage.getItem("facet-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;

  /** A file of this page is gone, because another version is served now. */
  function reloadOnce() {
    if (sessionStorage.getItem(RELOADED) !== null) return;
    sessionStorage.setItem(RELOADED, "yes");
    location.reload();
  }

  addEventListener(
    "error",
    ({ target }) => {
      if (target instanceof HTMLScriptElement || target instanceof HTMLLinkElement) reloadOnce();
    },
    true,
  );
  addEventListener("vite:preloadError", reloadOnce);
  addEventListener("facet:started", () => sessionStorage.removeItem(RELOADED));
})();
