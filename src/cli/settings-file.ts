/** The TOML file: read, checked for keys nobody knows, and with the line of each key, so that a mistake is found where it stands. */
import { readFile } from 'node:fs/promises';
import { usageFailure } from './exit.ts';
import { nearest } from './nearest.ts';
import type { Section, SettingName } from './settings.ts';
import { SETTING_NAMES, SETTINGS } from './settings.ts';

export type SettingsFile = {
  path: string;
  entries: ReadonlyMap<SettingName, { value: unknown; line: number }>;
};

const SECTIONS: readonly Section[] = ['node', 'client'];

/**
 * Reads the file; undefined when there is none. Throws a usage failure for what is no TOML, for an unknown table or key
 * (naming the nearest known one), and for a file that cannot be read.
 */
export async function readSettingsFile(path: string): Promise<SettingsFile | undefined> {
  const text = await readText(path);
  if (text === undefined) return undefined;
  const entries = new Map<SettingName, { value: unknown; line: number }>();
  for (const [section, content] of Object.entries(await parsed(text, path))) {
    const known = SECTIONS.find((name) => name === section);
    if (known === undefined) throw unknown(path, lineOf(text, undefined, section), section, likeliest(section));
    if (typeof content !== 'object' || content === null || Array.isArray(content)) {
      throw usageFailure(`${path}, line ${lineOf(text, undefined, section)}: expected a table [${section}]`);
    }
    for (const [key, value] of Object.entries(content)) {
      const name = SETTING_NAMES.find((each) => SETTINGS[each].section === known && SETTINGS[each].key === key);
      const line = lineOf(text, section, key);
      if (name === undefined) throw unknown(path, line, `${section}.${key}`, likeliest(key));
      entries.set(name, { value, line });
    }
  }
  return { path, entries };
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw usageFailure(`cannot read the configuration file ${path}: ${String(error)}`);
  }
}

/** The parser is loaded only where there is a file: most commands run without one. */
async function parsed(text: string, path: string): Promise<object> {
  const { parse, TomlError } = await import('smol-toml');
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [what] = error.message.split('\n');
    throw usageFailure(`${path}, line ${error.line}, column ${error.column}: ${what}`);
  }
}

/** The nearest table or key, written as it must be written. */
function likeliest(word: string): string | undefined {
  const keys = new Map(
    SETTING_NAMES.map((name) => [SETTINGS[name].key, `${SETTINGS[name].key} in [${SETTINGS[name].section}]`]),
  );
  const near = nearest(word, [...SECTIONS, ...keys.keys()]);
  return near === undefined ? undefined : (keys.get(near) ?? `[${near}]`);
}

function unknown(path: string, line: number, key: string, likely: string | undefined): Error {
  const hint = likely === undefined ? 'known keys: `skep up --help`' : `did you mean ${likely}?`;
  return usageFailure(`${path}, line ${line}: unknown key ${key}`, hint);
}

/** The parser tells no places, so the line is looked for: the first in its table that begins with the key. 1 when it is written in an unusual way. */
function lineOf(text: string, section: string | undefined, key: string): number {
  let current: string | undefined;
  for (const [at, line] of text.split('\n').entries()) {
    const table = /^\s*\[\s*"?([\w-]+)"?/.exec(line)?.[1];
    if (table !== undefined) current = table;
    if (table !== undefined && section === undefined && table === key) return at + 1;
    const assigned = /^\s*"?([\w.-]+)"?\s*=/.exec(line)?.[1];
    if (assigned === undefined) continue;
    if ((current === section && assigned === key) || assigned === `${section}.${key}`) return at + 1;
  }
  return 1;
}
