/** What addresses say after the question mark: a filter or a tab is a link that can be sent. */
import type { Group } from '../model/tasks.ts';
import { GROUPS } from '../model/tasks.ts';

export type View = 'table' | 'board';
export type TasksSearch = { q?: string; group?: Group; project?: string; view?: View };

/** Whatever it cannot read is left out. */
export function tasksSearch(given: Record<string, unknown>): TasksSearch {
  const text = (name: string): string | undefined => {
    const value = given[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const [q, project] = [text('q'), text('project')];
  const group = GROUPS.find((one) => one === given['group']);
  return {
    ...(q === undefined ? {} : { q }),
    ...(group === undefined ? {} : { group }),
    ...(project === undefined ? {} : { project }),
    ...(given['view'] === 'board' ? { view: 'board' } : {}),
  };
}

const SETTINGS_TABS = ['projects', 'rules', 'limits', 'people', 'nodes'] as const;
export type SettingsTab = (typeof SETTINGS_TABS)[number];

export function settingsSearch(given: Record<string, unknown>): { tab?: SettingsTab } {
  const tab = SETTINGS_TABS.find((one) => one === given['tab']);
  return tab === undefined ? {} : { tab };
}

const MARKET_TABS = ['proposals', 'skills', 'ratings', 'receipts', 'files'] as const;
export type MarketTab = (typeof MARKET_TABS)[number];

export function marketSearch(given: Record<string, unknown>): { tab?: MarketTab } {
  const tab = MARKET_TABS.find((one) => one === given['tab']);
  return tab === undefined ? {} : { tab };
}

/** `thread`: the message that began the conversation that is shown alone. `message`: the one that is shown first. */
export function channelSearch(given: Record<string, unknown>): { thread?: string; message?: string } {
  const { thread, message } = given;
  return {
    ...(typeof thread === 'string' && thread !== '' ? { thread } : {}),
    ...(typeof message === 'string' && message !== '' ? { message } : {}),
  };
}

/** `q`: what is looked for in messages. */
export function channelsSearch(given: Record<string, unknown>): { q?: string } {
  // A number that stands alone is read as one.
  const q = typeof given['q'] === 'number' ? String(given['q']) : given['q'];
  return typeof q === 'string' && q.trim() !== '' ? { q: q.trim() } : {};
}
