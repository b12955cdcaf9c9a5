"""The panel and the worker process. The only place that uses qt and ctk."""
