/** The one rule by which a setting gets its value: flags > environment > TOML file > defaults. */
import { dirname, resolve } from 'node:path';
import { usageFailure } from './exit.ts';
import type { Given } from './given.ts';
import { configFile } from './places.ts';
import type { SettingsFile } from './settings-file.ts';
import { readSettingsFile } from './settings-file.ts';
import type { SettingName, Settings } from './settings.ts';
import { SETTING_NAMES, SETTINGS, settingsSchema } from './settings.ts';
import type { World } from './world.ts';

/** Where a value came from, the strongest first. */
export type Source = 'flag' | 'environment' | 'file' | 'default';

export type FoundSettings = {
  /** Paths are absolute. */
  values: Settings;
  sourceOf: (name: SettingName) => Source;
  /** Where a file was looked for, whether or not one is there; undefined when none was looked for. */
  configPath: string | undefined;
  configFound: boolean;
};

type Raw = { value: unknown; source: Source; /** How to name it in a message. */ said: string };

export type SettingsQuestion = {
  /** False for `skep swarm`, which is told everything on its command line: a file is read only where `--config` names one. */
  usesFile: boolean;
  /** The settings that matter; all others get their default. A verb may then have a flag of its own with the name of another setting. */
  only?: readonly SettingName[];
  /** In place of the table's own defaults. */
  fallbacks?: Partial<Record<SettingName, string | number>>;
};

/**
 * Finds every setting. Throws a usage failure that names the flag, the variable or the line of the file where a value is
 * wrong, what was expected and what came.
 */
export async function findSettings(given: Given, world: World, question: SettingsQuestion): Promise<FoundSettings> {
  const named = given.text('config') ?? world.env['SKEP_CONFIG'];
  const path = named !== undefined ? resolve(world.cwd, named) : question.usesFile ? configFile(world) : undefined;
  const file = path === undefined ? undefined : await readSettingsFile(path);
  if (named !== undefined && file === undefined) throw usageFailure(`there is no configuration file ${path}`);

  const raws = new Map(SETTING_NAMES.map((name) => [name, rawOf(name, { given, world, file, question })]));
  const values = settingsSchema.safeParse(Object.fromEntries([...raws].map(([name, raw]) => [name, raw.value])));
  if (!values.success) {
    const issue = values.error.issues[0];
    const raw = SETTING_NAMES.filter((name) => name === issue?.path[0]).map((name) => raws.get(name))[0];
    throw usageFailure(`${raw?.said}: expected ${issue?.message}, got ${JSON.stringify(raw?.value)}`);
  }
  const sourceOf = (name: SettingName): Source => raws.get(name)?.source ?? 'default';
  const fromDir = (name: SettingName): string =>
    sourceOf(name) === 'file' && file !== undefined ? dirname(file.path) : world.cwd;
  return {
    values: withAbsolutePaths(values.data, world.home, fromDir),
    sourceOf,
    configPath: path,
    configFound: file !== undefined,
  };
}

type Layers = { given: Given; world: World; file: SettingsFile | undefined; question: SettingsQuestion };

function rawOf(name: SettingName, { given, world, file, question }: Layers): Raw {
  const { key, flags, env, fallback } = SETTINGS[name];
  if (question.only?.includes(name) === false) return { value: fallback, source: 'default', said: key };
  const flag = given.options[name];
  if (flag !== undefined) return { value: flag, source: 'flag', said: flags.replace(/ .*/, '') };
  const variable = world.env[env];
  if (variable !== undefined && variable !== '') return { value: variable, source: 'environment', said: env };
  const entry = file?.entries.get(name);
  if (entry !== undefined)
    return { value: entry.value, source: 'file', said: `${file?.path}, line ${entry.line}: ${key}` };
  return { value: question.fallbacks?.[name] ?? fallback, source: 'default', said: key };
}

/** A path in the file is meant from where the file is, not from where somebody happens to stand. */
function withAbsolutePaths(values: Settings, home: string, fromDir: (name: SettingName) => string): Settings {
  const whole = (name: SettingName, value: string): string => resolve(fromDir(name), value.replace(/^~(?=\/|$)/, home));
  const path = (name: 'tlsCert' | 'tlsKey' | 'tokenFile'): string | undefined => {
    const value = values[name];
    return value === undefined ? undefined : whole(name, value);
  };
  return {
    ...values,
    dataDir: whole('dataDir', values.dataDir),
    tlsCert: path('tlsCert'),
    tlsKey: path('tlsKey'),
    tokenFile: path('tokenFile'),
  };
}
