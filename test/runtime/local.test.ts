import { runtimeContract } from '../contract/runtime.ts';
import { makeLocalHome } from './local-home.ts';

runtimeContract('local', async () => makeLocalHome());
