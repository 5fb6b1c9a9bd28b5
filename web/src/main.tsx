/** The page begins here: colours, the stream, then what is drawn from it. */
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import './app.css';
import { start } from './model/store.ts';
import { applyTheme } from './parts/theme.tsx';
import { router } from './router.tsx';

applyTheme();
start();
const root = document.querySelector('#root');
if (root === null) throw new Error('the page has no #root');
createRoot(root).render(
  <StrictMode>
    <RouterProvider router={router} />
  </StrictMode>,
);
