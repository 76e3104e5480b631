// esbuild makes app.css of it.

declare module '*.css'
