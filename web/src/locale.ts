/**
 * A browser that runs in the C locale (WebKitGTK) reports "C" as its language, which Intl refuses with a RangeError; uPlot
 * asks Intl for it as soon as it is loaded. To be imported before whatever trusts `navigator.language`.
 */
export function correctLanguage(browser: { readonly language: string }): void {
  try {
    Intl.getCanonicalLocales(browser.language);
  } catch {
    Object.defineProperty(browser, "language", { value: "en", configurable: true });
  }
}

correctLanguage(navigator);
