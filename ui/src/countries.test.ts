import { expect, it } from "vitest";

import plans from "../../src-tauri/crates/media/src/tone/country.rs?raw";
import { countries, COUNTRIES } from "./countries";

it("offers only countries that the phone knows", () => {
  for (const code of COUNTRIES) expect(plans).toMatch(new RegExp(`\\b${code}\\b`));
});

it("names them in the agent's language, in its order", () => {
  expect(countries("de").find(({ code }) => code === "AT")?.name).toBe("Österreich");
  expect(countries("de").map(({ name }) => name)[0]).toBe("Argentinien");
});
