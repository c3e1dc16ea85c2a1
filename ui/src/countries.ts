/** Countries whose tones the phone knows (`src-tauri/crates/media/src/tone/country.rs`), as ISO 3166 codes. */
export const COUNTRIES =
  "AR AT AU BE BR BY CA CH CN CZ DE DK ES FI FR GB GR HU IE IL IN IT JP KZ LI MX NL NO NZ PL PR PT RU SE SK US ZA".split(
    " ",
  );

/** The countries by their names in a language, in its order. */
export function countries(language: string): { code: string; name: string }[] {
  const names = new Intl.DisplayNames(language, { type: "region" });
  const order = new Intl.Collator(language);
  return COUNTRIES.map((code) => ({ code, name: names.of(code) ?? code })).sort((a, b) =>
    order.compare(a.name, b.name),
  );
}
