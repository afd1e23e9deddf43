import { defineConfig } from '@playwright/test';
export default defineConfig({ globalSetup: './jobdeck.setup.mjs' });
