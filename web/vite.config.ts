import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** Relative addresses, so that the page works under any path of a proxy; nothing inlined, so that the node's strict CSP holds. */
export default defineConfig({
  base: './',
  plugins: [react(), tailwindcss()],
  build: {
    assetsDir: 'page',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2023',
    reportCompressedSize: false,
  },
});
