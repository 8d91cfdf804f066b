"""What people think of answers: reviews, and queues of them."""
