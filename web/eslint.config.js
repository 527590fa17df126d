import { defineConfig } from "eslint/config";
import prettier from "eslint-config-prettier";
import vue from "eslint-plugin-vue";
import tseslint from "typescript-eslint";

const NO_HTML = "Log text is foreign text: it reaches the page through textContent only.";
const NO_JSON = "guards.ts is the only place where the page parses JSON.";

export default defineConfig(
  { ignores: ["node_modules/", "coverage/"] },
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  vue.configs["flat/recommended-error"],
  prettier,
  {
    languageOptions: {
      parserOptions: {
        parser: tseslint.parser,
        project: ["./tsconfig.json", "./tsconfig.tools.json"],
        tsconfigRootDir: import.meta.dirname,
        extraFileExtensions: [".vue"],
      },
    },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "max-lines": ["error", 300],
      "no-console": "error",
      eqeqeq: "error",
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "vue/block-lang": ["error", { script: { lang: "ts" } }],
      "vue/block-order": ["error", { order: ["script", "template", "style"] }],
      "vue/component-api-style": ["error", ["script-setup"]],
      "vue/define-macros-order": "error",
      "vue/no-static-inline-styles": "error", // a style attribute would need 'unsafe-inline'
      "vue/no-unused-refs": "error",
      "vue/no-v-html": "error",
      "no-restricted-properties": [
        "error",
        ...["innerHTML", "outerHTML", "insertAdjacentHTML"].map((property) => ({ property, message: NO_HTML })),
        { object: "document", property: "write", message: NO_HTML },
      ],
    },
  },
  { files: ["**/*.js"], extends: [tseslint.configs.disableTypeChecked] },
  {
    files: ["src/**"],
    ignores: ["src/guards.ts"],
    rules: {
      "no-restricted-syntax": [
        "error",
        { selector: "MemberExpression[object.name='JSON'][property.name='parse']", message: NO_JSON },
        { selector: "CallExpression[callee.property.name='json']", message: NO_JSON },
      ],
    },
  },
);
