// Runs before the page is drawn. Its name has no hash, so pages of every version find it.
(() => {
  const RELOADED_AT = "facet-reloaded-at";
  const MIN_RELOAD_INTERVAL_MS = 60_000;

  // A choice of light or dark overrides the setting of the system.
  const theme = localStorage.getItem("facet-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;

  /**
   * Loads the page again after one of its files was missing, because another version is served now.
   * Returns false if that was already tried.
   */
  function reloadOnce() {
    if (Date.now() - Number(sessionStorage.getItem(RELOADED_AT)) < MIN_RELOAD_INTERVAL_MS) return false;
    sessionStorage.setItem(RELOADED_AT, String(Date.now()));
    location.reload();
    return true;
  }

  addEventListener(
    "error",
    ({ target }) => {
      if (!(target instanceof HTMLScriptElement || target instanceof HTMLLinkElement) || reloadOnce()) return;
      const page = document.getElementById("page");
      if (page?.childElementCount === 0)
        page.textContent = "This page could not be loaded. Load it again in a minute.";
    },
    true,
  );
  addEventListener("vite:preloadError", reloadOnce);
})();
