// Sets the theme before the first paint. Kept apart from the bundle so that nothing flashes while that loads.
(function () {
  var wanted = null;
  try {
    wanted = localStorage.getItem("relaycast.theme");
  } catch {
    // Storage may be refused; the system's theme holds then.
  }
  var dark = wanted === "dark" || (wanted !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
