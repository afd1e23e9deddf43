import { defineConfig } from 'vitest/config';
export default defineConfig({ test: { globalSetup: './jobdeck.setup.mjs' } });
