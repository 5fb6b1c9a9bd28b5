/** What every part of this room works with. */
import type { Git } from './git.ts';
import type { Identity } from './identity.ts';
import type { Layout } from './layout.ts';

export type Room = {
  git: Git;
  layout: Layout;
  /** Author of skep's own commits where the user has no git identity. */
  identity: Identity;
};

/** Tells a person what goes on, one line at a time. */
export type OnStatus = (line: string) => void;
