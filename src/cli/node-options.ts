/** The options by which a node is described on the command line: made from the table of settings, so that none is forgotten. */
import type { SettingName, Settings } from './settings.ts';
import { SETTING_NAMES, SETTINGS } from './settings.ts';
import type { VerbOption } from './verb.ts';

/** One option for each setting of `[node]`, with its default in words: the value itself is found later, by layers. */
export const nodeOptions = (fallbacks: Partial<Record<SettingName, string>> = {}): VerbOption[] =>
  SETTING_NAMES.filter((name) => SETTINGS[name].section === 'node').map((name) => {
    const { flags, about, fallback } = SETTINGS[name];
    const shown = fallbacks[name] ?? fallback;
    return { flags, about: shown === undefined || shown === '' ? about : `${about} (${shown})` };
  });

/** The part of the settings that makes a node. */
export type NodeSettings = Omit<Settings, 'url' | 'tokenFile'>;
