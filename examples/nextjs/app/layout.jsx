export const metadata = { title: "Mug shop", icons: "data:," };

export default function Layout({ children }) {
  return (
    <html lang="en">
      <head>
        <script src="https://cdn.platform.openai.com/deployments/chatkit/chatkit.js" async />
      </head>
      <body>{children}</body>
    </html>
  );
}
