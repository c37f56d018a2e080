"""The scenarios of bench/compare.sh for Locust: SCENARIO=get | mix | steps."""

import os

from locust import FastHttpUser, task

SCENARIO = os.environ.get("SCENARIO", "get")


class Get(FastHttpUser):
    abstract = SCENARIO != "get"
    host = "http://127.0.0.1:18080"

    @task
    def hello(self):
        self.client.get("/")


class Mix(FastHttpUser):
    abstract = SCENARIO != "mix"
    host = "http://127.0.0.1:18080"

    @task(20)
    def index(self):
        with self.client.get("/", catch_response=True) as response:
            if response.status_code != 200:
                response.failure("status")

    @task(80)
    def predict(self):
        body = {"image": "a-17", "size": [224, 224], "model": "resnet50", "top": 5}
        with self.client.post("/predict", json=body, catch_response=True) as response:
            if response.status_code != 200:
                response.failure("status")


class Steps(FastHttpUser):
    abstract = SCENARIO != "steps"
    host = "http://127.0.0.1:18080"

    @task
    def buy(self):
        token = self.client.get("/login").json()["token"]
        self.client.get("/item")
        body = {"token": token, "sku": "a-17", "count": 1}
        with self.client.post("/order", json=body, catch_response=True) as response:
            if response.status_code != 201:
                response.failure("status")
