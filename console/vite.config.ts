import { defineConfig } from "vite";

// One script and one style sheet: on a bad connection a request costs more than its kilobytes.
export default defineConfig({
  base: "/console/",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../functions/console/static",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    // Nothing inline: the policy allows no data in style sheets, and no script in the document.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
});
