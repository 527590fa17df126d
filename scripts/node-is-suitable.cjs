// Exits 0 if the Node.js that runs this can build the page: 20.19+, 22.13+ or 24+, the releases that Vite and ESLint
// support. One place for the Makefile and the build hook; written so that an old Node can run it too.
const [major, minor] = process.versions.node.split(".").map(Number);
process.exit(major >= 24 || (major === 22 && minor >= 13) || (major === 20 && minor >= 19) ? 0 : 1);
