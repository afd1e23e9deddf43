import { defineConfig } from 'vite';

const inventory = process.env.JOBDECK_URL ?? 'http://127.0.0.1:8080';

export default defineConfig({ server: { proxy: { '/inventory': inventory, '/jobdeck': inventory } } });
