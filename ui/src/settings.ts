import { day } from "./format";
import type { Layer } from "./generated/Layer";
import type { SettingValue } from "./generated/SettingValue";
import english from "./words/bar.en.json";
import { t, words, type WordKey } from "./words.svelte";

const CHANNEL_FIELD =
  /^(chat|email|sms|openchannel|fax|whatsapp)(Capacity|Autoanswer|AutoanswerDelay|AdvancedSearch)$/;

function known(key: string): key is WordKey {
  return key in english;
}

/** A setting's name in the agent's language; a field that the catalogue does not know keeps the server's name. */
export function settingName(field: string): string {
  const [, channel, what] = CHANNEL_FIELD.exec(field) ?? [];
  const key = `set_channel_${what}`;
  const channelKey = `channel_${channel}`;
  if (known(key) && known(channelKey)) return t(key, { channel: t(channelKey) });
  const own = `set_${field}`;
  return known(own) ? t(own) : field;
}

/** The name of a group of settings. */
export function groupName(key: string): string {
  const own = `group_${key}`;
  return known(own) ? t(own) : key;
}

/** One of a few values, in words where there are any. */
export function choiceName(value: string): string {
  const own = `choice_${value}`;
  return known(own) ? t(own) : value;
}

const LAYERS: Record<Layer, WordKey> = {
  policy: "layer_policy",
  server: "layer_server",
  agent: "layer_agent",
  default: "layer_default",
};

/** Who set it. */
export function layerName(layer: Layer): string {
  return t(LAYERS[layer]);
}

/** What a setting holds, in words. */
export function settingText(field: string, value: SettingValue): string {
  switch (value.kind) {
    case "flag":
      return t(value.value ? "on" : "off");
    case "number":
      return value.value === 0 && field.endsWith("Capacity") ? t("unlimited") : String(value.value);
    case "seconds":
      return t("seconds_value", { value: value.value });
    case "choice":
      return choiceName(value.value.chosen);
    case "list":
      return value.value.join(", ") || t("not_set");
    case "moment":
      return day(value.value, words.language) || t("not_set");
    case "text":
      return value.value || t("not_set");
  }
}
