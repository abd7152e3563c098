"""DynamoDB, KMS, S3: the edge. The only place with AWS calls; settings.py is the only reader of the environment."""
